import type {
  CallContext,
  GroupWrite,
  ProviderConnection,
} from '../../integrations/provider/integration-provider';
import { ProviderError } from '../../integrations/provider/provider-error';
import { PROBE_EVERY_MS } from '../plan/backoff';
import { SEVERAL, mayBeDeniedEverywhere } from '../plan/denials';

/** However many groups and people a credential may not write to: after so many in a row none is tried for a while. */
const REFUSALS_THAT_END = 100;

/** What is known beside the answers of the target. */
export interface KnownOfRights {
  /** How many groups wait for this reason, of how many; but for these, by their ids in the target. */
  stoppedFor(reason: string, but: readonly string[]): Promise<{ stopped: number; all: number }>;
  /** A group that the target takes writes to, as far as we know, by its id there. */
  writableGroup(): Promise<string | null>;
  /** Whether the integration is suspended for this reason, and is being probed. */
  isSuspendedFor(reason: string): boolean;
}

/** One kind of write in one run: what is known since one was let through. */
class Right {
  refusalsInARow = 0;
  /** Groups that it was refused for, by their ids in the target. */
  readonly groups = new Set<string>();
  /** Groups that could not be created. */
  newGroups = 0;
  /** Groups that nobody can be added to, or removed from: what the target said. */
  readonly closedGroups = new Map<string, ProviderError>();
  /** Set while nothing of the kind is tried any more. */
  closed: ProviderError | null = null;
  /** What the target says of the credential. */
  answer: Promise<boolean | null> | null = null;
  /** Whether writes of another kind were let through meanwhile. */
  othersGranted = false;
}

/**
 * What the writes of one run say about what the credential may do. A refusal is one object's own until the target says
 * otherwise: several of them are a reason to ask, and never a proof.
 *
 * | refused                                   | asked of the target           | if it may not                     | if it may, or that is not told |
 * | ----------------------------------------- | ----------------------------- | --------------------------------- | ------------------------------ |
 * | three people of one group in a row        | the same for nobody, there    | nobody else of the group is tried | the next ones are tried        |
 * | that, or a write for each of three groups | the same for another group    | the integration is suspended      | the next ones are tried        |
 * | a hundred writes of one kind in a row     |                               |                                   | others are tried in 5 minutes  |
 *
 * Where only writes of that kind are refused, and others are let through, they are not tried for 5 minutes instead.
 */
export class WriteRights {
  private readonly rights = new Map<GroupWrite, Right>();
  private missing: ProviderError | null = null;

  constructor(
    private readonly connection: Pick<ProviderConnection, 'mayWrite'>,
    private readonly known: KnownOfRights,
  ) {}

  /** @throws ProviderError the refusal, once it is sure that it is the credential's */
  assertPermitted(): void {
    if (this.missing) throw this.missing;
  }

  /** @throws ProviderError where such a write is known to be refused */
  assertMayTry(write: GroupWrite, groupId: string | null): void {
    const { closed, closedGroups } = this.of(write);
    const refusal = closed ?? (groupId === null ? undefined : closedGroups.get(groupId));
    if (refusal) throw refusal;
  }

  granted(write: GroupWrite): void {
    const { closedGroups, answer, closed } = this.of(write);
    this.missing = null;
    const right = new Right();
    for (const [groupId, refusal] of closedGroups) right.closedGroups.set(groupId, refusal);
    // That it may is not asked again in this run.
    if (!closed) right.answer = answer;
    this.rights.set(write, right);
    for (const [kind, other] of this.rights) if (kind !== write) other.othersGranted = true;
  }

  /**
   * @param groupId null for a group that is not there yet
   * @param peopleInARow whom it was refused for in this group, one after the other
   */
  async refused(
    write: GroupWrite,
    groupId: string | null,
    peopleInARow: number,
    error: ProviderError,
    call: CallContext,
  ): Promise<void> {
    const right = this.of(write);
    right.refusalsInARow += 1;
    if (right.refusalsInARow === 1) right.othersGranted = false;
    if (groupId === null) right.newGroups += 1;
    else right.groups.add(groupId);
    const isOfGroup = peopleInARow === SEVERAL && (await this.closesGroup(write, groupId!, error, call));
    if (isOfGroup || (await this.mayBeOfAll(right, error.reason))) {
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
    if (mayWrite === false) this.of(write).closedGroups.set(groupId, error);
    return mayWrite === false;
  }

  private async mayBeOfAll({ groups, newGroups, answer }: Right, reason: string): Promise<boolean> {
    if (answer) return false;
    const refused = groups.size + newGroups;
    if (refused >= SEVERAL || this.known.isSuspendedFor(reason)) return true;
    const { stopped, all } = await this.known.stoppedFor(reason, [...groups]);
    // One that was not created may be on record already for the last time that it was tried.
    const others = newGroups > 0 ? Math.max(0, stopped - newGroups) : stopped;
    return mayBeDeniedEverywhere(others + refused, all);
  }

  private async ask(right: Right, write: GroupWrite, error: ProviderError, call: CallContext): Promise<void> {
    right.answer ??= this.askOfAll(write, call);
    const mayWrite = await right.answer;
    // Meanwhile one may have been let through.
    if (mayWrite !== false || this.of(write) !== right) return;
    right.closed ??= notTried(error);
    if (!right.othersGranted) this.missing ??= error;
  }

  private async askOfAll(write: GroupWrite, call: CallContext): Promise<boolean | null> {
    const isOfMembers = write === 'add' || write === 'remove';
    return this.connection.mayWrite(write, isOfMembers ? await this.known.writableGroup() : null, call);
  }

  private of(write: GroupWrite): Right {
    const right = this.rights.get(write) ?? new Right();
    this.rights.set(write, right);
    return right;
  }
}

/** Of whoever was not tried after so many others: soon enough for whoever is not refused. */
function notTried({ kind, reason, message, remedy, outcome, status, cause }: ProviderError): ProviderError {
  const retryAfterMs = PROBE_EVERY_MS;
  return new ProviderError({ kind, reason, message, remedy, outcome, status, cause, retryAfterMs });
}
