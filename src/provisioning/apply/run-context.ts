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

/** The context of one run on one integration. */
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
  /** Whether any call of this run has succeeded: an account that answers now and then is not down. */
  readonly progress: { made: boolean };
  /** An admin asked to retry everything that failed. */
  readonly forgets: boolean;
  readonly rights: WriteRights;
  /** Until when an unanswered creation needs to be settled soon; epoch milliseconds. */
  readonly creations: { settledSoonUntil: number };
}

/** The same run with another call priority. */
export function atPriority(run: RunContext, priority: CallPriority): RunContext {
  return { ...run, call: { ...run.call, priority } };
}

export interface RunResult {
  /** Whether there is more work right now. */
  more: boolean;
  /** No call has succeeded: the next run may need a full time-out to find out whether that is still so. */
  unresponsive?: true;
}
