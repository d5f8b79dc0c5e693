import type { Integration } from '../../integrations/integration.entity';
import type {
  CallContext,
  CallPriority,
  IntegrationProvider,
  ProviderConnection,
} from '../../integrations/provider/integration-provider';
import type { Lease } from '../schedule/lease';
import type { RunWatch } from './run-watch';
import type { RunHalt } from './run-halt';
import type { GroupTurns } from './group-turns';
import type { WriteRights } from './write-rights';

/** Everything that one run on one integration works with. */
export interface RunContext {
  integration: Integration;
  accountIdentity: string;
  provider: IntegrationProvider;
  connection: ProviderConnection;
  lease: Lease;
  watch: RunWatch;
  call: CallContext;
  readonly halt: RunHalt;
  readonly groupTurns: GroupTurns;
  /** Whether the target did anything for us in this run: an account that answers now and then is not away. */
  readonly progress: { made: boolean };
  /** Somebody wants everything tried again that failed. */
  readonly forgets: boolean;
  readonly rights: WriteRights;
  /** Until when some team's creation that had no answer is to be settled soon; epoch milliseconds. */
  readonly creations: { settledSoonUntil: number };
}

/** The same run, whose calls have this priority. */
export function atPriority(run: RunContext, priority: CallPriority): RunContext {
  return { ...run, call: { ...run.call, priority } };
}

export interface RunResult {
  /** There is more to do at once. */
  more: boolean;
  /** The target did nothing for us: it may take a time-out to find out whether it still does not. */
  unresponsive?: true;
}
