import type { OpenConnection } from '../../integrations/connections/connections.service';
import type { Integration } from '../../integrations/integration.entity';
import type {
  CallContext,
  ProviderGroup as FoundTeam,
  ProviderMember,
} from '../../integrations/provider/integration-provider';
import { explanationOf } from '../../integrations/connection-test/diagnosis';
import { sameAccountCheck } from '../../integrations/connection-test/same-account';
import { ACCOUNT_MISMATCH } from '../../integrations/suspension-reasons';
import { ProviderError } from '../../integrations/provider/provider-error';
import { accountOf, checkedAccount } from '../apply/account';
import { FreshLinks } from '../apply/fresh-links';
import { NOT_LOOKED_UP, asLink } from '../apply/people';
import { type AskedFor, type Unlinked, type UserResolution, lookUp } from '../apply/user-resolution';
import { linkThatStays } from '../plan/link-plan';
import type { Person } from '../plan/member-plan';
import type { Obstacle } from '../plan/new-group';
import { reachOf } from '../plan/reach';

/** The time limit for reads of the target. What it has not answered by then stays unknown. */
const ASKED_FOR_MS = 20_000;
/**
 * One scan of the target's users serves this many users. For more of them, the answers before the deadline count.
 */
const PEOPLE_PER_LOOK_UP = 5_000;

/** The answer of the target, or why there is none. */
export type LookedUp<T> = { kind: 'known'; value: T } | { kind: 'unknown'; why: Obstacle };

/**
 * The requests of one dry run to the target: the same as those of a run, without recording anything. They stop
 * after a failure that concerns the whole account, and after the deadline.
 */
export class TargetLookUps {
  /** Links of the users that this dry run looked up, or tried to. */
  readonly links = new FreshLinks();
  /** Remote users that would lose a link. */
  readonly abandoned = new Set<string>();
  /** Calls made; a run would make them too. */
  calls = 0;
  /** The first failure that concerns more than one remote group. */
  problem: Obstacle | null = null;
  private stopped = false;
  private account: string | null;
  private readonly call: CallContext;

  constructor(
    private readonly integration: Integration,
    private readonly open: OpenConnection,
    private readonly users: UserResolution,
    signal: AbortSignal = AbortSignal.timeout(ASKED_FOR_MS),
  ) {
    this.account = checkedAccount(integration);
    this.call = {
      signal,
      // A dry run must never delay a change.
      priority: 'reconcile',
      assertMaySend: () => {
        this.calls += 1;
      },
    };
  }

  /** Known after the first look-up. */
  get accountIdentity(): string {
    return this.account ?? this.integration.accountIdentity ?? '';
  }

  findGroups(names: readonly string[]): Promise<LookedUp<Map<string, FoundTeam>>> {
    if (names.length === 0) return Promise.resolve({ kind: 'known', value: new Map() });
    return this.ask(() => this.open.connection.findGroups(names, this.call), 'account');
  }

  /** A failure may concern this remote group only. */
  listMembers(remoteGroupId: string): Promise<LookedUp<ProviderMember[]>> {
    return this.ask(() => this.open.connection.listMembers(remoteGroupId, this.call), 'team');
  }

  /** Looks up the users among these whose look-up is due, each only once in a dry run. */
  async resolve(asked: AskedFor): Promise<void> {
    const due = await this.users.due(new Map([...asked].filter(([userId]) => !this.links.has(userId))));
    for (let start = 0; start < due.length; start += PEOPLE_PER_LOOK_UP) {
      let some = due.slice(start, start + PEOPLE_PER_LOOK_UP);
      while (some.length > 0) {
        const asked = some;
        const found = await this.ask(() => lookUp(this.open.connection, asked, this.call), 'account');
        if (found.kind === 'unknown') {
          for (const user of asked) this.learn(user, linkWithoutLookUp(user, found.why.message));
          break;
        }
        for (const { user, link } of found.value.links) this.learn(user, asLink(link));
        some = found.value.left;
      }
    }
  }

  private learn({ userId, linkedTo }: Unlinked, link: Person['link']): void {
    this.links.add(userId, link);
    const remoteUserId = link.kind === 'resolved' ? link.remoteUserId : null;
    if (linkedTo !== null && linkedTo !== remoteUserId) this.abandoned.add(linkedTo);
  }

  private async ask<T>(question: () => Promise<T>, concerns: 'account' | 'team'): Promise<LookedUp<T>> {
    if (this.stopped) return { kind: 'unknown', why: this.problem! };
    try {
      const stranger = await this.identify();
      if (stranger) return { kind: 'unknown', why: stranger };
      return { kind: 'known', value: await question() };
    } catch (error) {
      const why = this.failureOf(error);
      const stops = this.call.signal.aborted || reachOf(error) === 'account';
      if (stops || concerns === 'account') this.problem ??= why;
      this.stopped ||= stops;
      return { kind: 'unknown', why };
    }
  }

  /**
   * Checks the account first, as a run does: in another account our ids belong to other objects.
   *
   * @returns null for the right account
   */
  private async identify(): Promise<Obstacle | null> {
    if (this.account !== null) return null;
    const found = await this.open.connection.account(this.call);
    const check = sameAccountCheck(this.integration, found);
    if (check?.status === 'failed') {
      this.problem = { reason: ACCOUNT_MISMATCH, message: explanationOf(check) };
      this.stopped = true;
      return this.problem;
    }
    this.account = accountOf({ integration: this.integration, provider: this.open.provider }, found).identity;
    return null;
  }

  /** @throws errors that do not come from the target */
  private failureOf(error: unknown): Obstacle {
    if (error instanceof ProviderError) return { reason: error.reason, message: error.explanation };
    if (!this.call.signal.aborted) throw error;
    return {
      reason: 'timed_out',
      message: `${this.open.provider.description.displayName} did not answer everything within ${ASKED_FOR_MS / 1_000} seconds. Request a smaller page, or try later.`,
    };
  }
}

/** A failed request to the target does not drop a link. */
function linkWithoutLookUp(user: Unlinked, why: string) {
  return asLink({
    remoteUserId: linkThatStays(user),
    reason: NOT_LOOKED_UP,
    message: `Scimify could not look up the user. ${why}`,
    nextCheckAt: null,
  });
}
