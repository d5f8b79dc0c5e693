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

/** The target is asked for so long; what it has not told by then stays unknown. */
const ASKED_FOR_MS = 20_000;
/** So many people may cost one scan of the target's users; with more of them, what is known by the deadline counts. */
const PEOPLE_PER_LOOK_UP = 5_000;

/** What the target told, or why it did not. */
export type LookedUp<T> = { kind: 'known'; value: T } | { kind: 'unknown'; why: Obstacle };

/**
 * What one dry run asks the target: the same questions as applying asks, and nothing of it is recorded. After a failure
 * that concerns the whole account, and after the deadline, nothing more is asked.
 */
export class TargetLookUps {
  /** Of people whom this dry run looked up, or would have. */
  readonly links = new FreshLinks();
  /** Remote users who would lose a link. */
  readonly abandoned = new Set<string>();
  /** Calls made, which applying would make too. */
  calls = 0;
  /** The first failure that concerns more than one team. */
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
      // A look must never hold up a change.
      priority: 'reconcile',
      assertMaySend: () => {
        this.calls += 1;
      },
    };
  }

  /** Known once anything was looked up. */
  get accountIdentity(): string {
    return this.account ?? this.integration.accountIdentity ?? '';
  }

  findGroups(names: readonly string[]): Promise<LookedUp<Map<string, FoundTeam>>> {
    if (names.length === 0) return Promise.resolve({ kind: 'known', value: new Map() });
    return this.ask(() => this.open.connection.findGroups(names, this.call), 'account');
  }

  /** A failure may well concern this team alone. */
  listMembers(remoteGroupId: string): Promise<LookedUp<ProviderMember[]>> {
    return this.ask(() => this.open.connection.listMembers(remoteGroupId, this.call), 'team');
  }

  /** Those of these people whose look-up is due, each once in a dry run. */
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
      const stops = this.call.signal.aborted || (error instanceof ProviderError && error.accountWide);
      if (stops || concerns === 'account') this.problem ??= why;
      this.stopped ||= stops;
      return { kind: 'unknown', why };
    }
  }

  /**
   * As applying does it: first of all, whose account is this? In another one our ids are somebody else's.
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

  /** @throws what is no failure of the target */
  private failureOf(error: unknown): Obstacle {
    if (error instanceof ProviderError) return { reason: error.reason, message: error.explanation };
    if (!this.call.signal.aborted) throw error;
    return {
      reason: 'timed_out',
      message: `${this.open.provider.description.displayName} was asked for ${ASKED_FOR_MS / 1_000} seconds; what it had not told by then is left out. Ask for a smaller page, or later.`,
    };
  }
}

/** Nobody's link is lost because the target could not be asked. */
function linkWithoutLookUp(user: Unlinked, why: string) {
  return asLink({
    remoteUserId: linkThatStays(user),
    reason: NOT_LOOKED_UP,
    message: `The person could not be looked up. ${why}`,
    nextCheckAt: null,
  });
}
