import type {
  CallContext,
  GroupWrite,
  ProviderConnection,
} from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { PROBE_EVERY_MS } from '../plan/backoff';
import { SEVERAL, mayBeDeniedEverywhere } from '../plan/denials';

/** After this many refusals in a row, no write of the kind is tried for a while. */
const REFUSALS_THAT_END = 100;

/** Facts from the database, beside the answers of the target. */
export interface KnownOfRights {
  /** How many groups wait for this reason, without `exceptGroupIds` (remote ids), and how many groups there are. */
  stoppedFor(reason: string, exceptGroupIds: readonly string[]): Promise<{ stopped: number; all: number }>;
  /** The remote id of a group that the target accepts writes to, as far as we know. */
  writableGroup(): Promise<string | null>;
  /** Whether the integration is suspended for this reason. The run is then its probe. */
  isSuspendedFor(reason: string): boolean;
}

/** One kind of write in one run. It is reset by every write that succeeds. */
class Right {
  refusalsInARow = 0;
  /** Remote ids of the groups that it was refused for. */
  readonly groups = new Set<string>();
  /** Number of groups that could not be created. */
  newGroups = 0;
  /** Groups that accept no member writes, with the refusal of the target. */
  readonly closedGroups = new Map<string, ProviderError>();
  /** Set while no write of this kind is tried. */
  closed: ProviderError | null = null;
  /** The target's answer about the credential. */
  answer: Promise<boolean | null> | null = null;
  /** Whether a write of another kind has succeeded meanwhile. */
  othersGranted = false;
}

/**
 * What the writes of one run tell about the rights of the credential. A refusal concerns one object until the
 * target says otherwise. Several refusals are a reason to ask the target, but never a proof.
 *
 * | refused                                   | question to the target        | answer no                         | answer yes or unknown          |
 * | ----------------------------------------- | ----------------------------- | --------------------------------- | ------------------------------ |
 * | three users of one group in a row         | an empty write to that group  | no other user of it is tried      | the next ones are tried        |
 * | that, or a write for each of three groups | an empty write to another one | the integration is suspended      | the next ones are tried        |
 * | a hundred writes of one kind in a row     |                               |                                   | the rest waits for 5 minutes   |
 *
 * If only this kind of write is refused and other kinds succeed, the integration is not suspended: this kind waits
 * for 5 minutes.
 */
export class WriteRights {
  private readonly rights = new Map<GroupWrite, Right>();
  private missing: ProviderError | null = null;

  constructor(
    private readonly connection: Pick<ProviderConnection, 'mayWrite'>,
    private readonly known: KnownOfRights,
  ) {}

  /** @throws ProviderError the refusal, once it is certain that the credential lacks the right */
  assertPermitted(): void {
    if (this.missing) throw this.missing;
  }

  /** @throws ProviderError if such a write is known to be refused */
  assertMayTry(write: GroupWrite, groupId: string | null): void {
    const { closed, closedGroups } = this.rightFor(write);
    const refusal = closed ?? (groupId === null ? undefined : closedGroups.get(groupId));
    if (refusal) throw refusal;
  }

  granted(write: GroupWrite): void {
    const { closedGroups, answer, closed } = this.rightFor(write);
    this.missing = null;
    const right = new Right();
    for (const [groupId, refusal] of closedGroups) right.closedGroups.set(groupId, refusal);
    // The target's answer "may write" is kept for the rest of the run.
    if (!closed) right.answer = answer;
    this.rights.set(write, right);
    for (const [kind, other] of this.rights) if (kind !== write) other.othersGranted = true;
  }

  /**
   * @param groupId null for a group that does not exist yet
   * @param usersInARow refusals in a row for users of this group
   */
  async refused(
    write: GroupWrite,
    groupId: string | null,
    usersInARow: number,
    error: ProviderError,
    call: CallContext,
  ): Promise<void> {
    const right = this.rightFor(write);
    right.refusalsInARow += 1;
    if (right.refusalsInARow === 1) right.othersGranted = false;
    if (groupId === null) right.newGroups += 1;
    else right.groups.add(groupId);
    const closesGroup = usersInARow === SEVERAL && (await this.closesGroup(write, groupId!, error, call));
    if (closesGroup || (await this.mayConcernAll(right, error.reason))) {
      await this.ask(right, write, error, call);
    }
    if (right.refusalsInARow >= REFUSALS_THAT_END) right.closed ??= notTried(error);
  }

  private async closesGroup(
    write: GroupWrite,
    groupId: string,
    error: ProviderError,
    call: CallContext,
  ): Promise<boolean> {
    const mayWrite = await this.connection.mayWrite(write, groupId, call);
    if (mayWrite === false) this.rightFor(write).closedGroups.set(groupId, error);
    return mayWrite === false;
  }

  private async mayConcernAll({ groups, newGroups, answer }: Right, reason: string): Promise<boolean> {
    if (answer) return false;
    const refused = groups.size + newGroups;
    if (refused >= SEVERAL || this.known.isSuspendedFor(reason)) return true;
    const { stopped, all } = await this.known.stoppedFor(reason, [...groups]);
    // A group that could not be created may already be counted from its last attempt.
    const others = newGroups > 0 ? Math.max(0, stopped - newGroups) : stopped;
    return mayBeDeniedEverywhere(others + refused, all);
  }

  private async ask(right: Right, write: GroupWrite, error: ProviderError, call: CallContext): Promise<void> {
    right.answer ??= this.askForAll(write, call);
    const mayWrite = await right.answer;
    // A write may have succeeded meanwhile.
    if (mayWrite !== false || this.rightFor(write) !== right) return;
    right.closed ??= notTried(error);
    if (!right.othersGranted) this.missing ??= error;
  }

  private async askForAll(write: GroupWrite, call: CallContext): Promise<boolean | null> {
    const isOfMembers = write === 'add' || write === 'remove';
    return this.connection.mayWrite(write, isOfMembers ? await this.known.writableGroup() : null, call);
  }

  private rightFor(write: GroupWrite): Right {
    const right = this.rights.get(write) ?? new Right();
    this.rights.set(write, right);
    return right;
  }
}

/** The refusal for writes that were not tried. They are tried soon, in case they are not refused. */
function notTried({ kind, reason, message, remedy, outcome, status, cause }: ProviderError): ProviderError {
  const retryAfterMs = PROBE_EVERY_MS;
  return new ProviderError({ kind, reason, message, remedy, outcome, status, cause, retryAfterMs });
}
