import type { Integration } from '../../integrations/integration.entity';
import type {
  CallContext,
  IntegrationProvider,
  ProviderConnection,
} from '../../integrations/provider/integration-provider';
import type { Lease } from '../schedule/lease';
import type { RunWatch } from './run-watch';
import type { Permissions } from './watched-writes';

/** Everything that one run on one integration works with. */
export interface RunContext {
  integration: Integration;
  accountIdentity: string;
  provider: IntegrationProvider;
  connection: ProviderConnection;
  lease: Lease;
  watch: RunWatch;
  call: CallContext;
  /** Whether the target did anything for us in this run: an account that answers now and then is not away. */
  progressed: boolean;
  /** Somebody hurried it: what is remembered of failures counts no more. */
  isHurried: boolean;
  permissions: Permissions;
}

export interface RunResult {
  /** There is more to do at once. */
  more: boolean;
  /** The target did nothing for us: it may take a time-out to find out whether it still does not. */
  away?: true;
}
