/** What the engine does with a failure depends on its kind alone (docs/architecture.md, "Errors"). */
export type ProviderErrorKind =
  /** The target does not accept who we are: nothing of this integration works until an admin acts. */
  | 'credentials'
  /** The credential is accepted but may not do this. */
  | 'permission'
  | 'rate-limited'
  /** The target or the way to it is down, slow or broken: the same call may succeed later. */
  | 'unavailable'
  /** The remote user or group that the call names is not there. */
  | 'not-found'
  /** What the call asks for contradicts what is there already, e.g. a name that is taken. */
  | 'conflict'
  /** A rule of the target forbids it; repeating the call soon changes nothing. */
  | 'rejected';

/** Reasons that the engine itself acts on, the same for every provider; every other one is only shown. */
export const GROUP_GONE = 'team_gone';
/** The group may be there: it was made a moment ago. */
export const GROUP_NOT_VISIBLE_YET = 'not_visible_yet';
export const USER_GONE = 'user_gone';
/** The call that adds a person finds nothing, although group and person are there: it may pass within two minutes. */
export const ADDITION_NOT_FOUND = 'addition_not_found';
/** The call that changes or deletes a group finds nothing, although the group is there. */
export const CHANGE_NOT_FOUND = 'change_not_found';
export const GROUP_FULL = 'team_full';
/** A person cannot have the role that the policy names: under another one they are tried again. */
export const ROLE_REFUSED = 'role_refused';

/** No hint of a target makes anything wait for longer, in milliseconds: by then it may have mended. */
export const LONGEST_HINT_MS = 15 * 60_000;

/** Whether a failed call may have taken effect all the same. */
export type CallOutcome = 'not-applied' | 'unknown';

export interface ProviderErrorFields {
  kind: ProviderErrorKind;
  outcome: CallOutcome;
  /** Stable code in snake_case, e.g. `team_in_use`: shown in the API. */
  reason: string;
  /** One sentence: what happened, in the target's words where it has any. Never holds a secret. */
  message: string;
  /** One sentence for an admin: what to do about it. */
  remedy: string;
  /** The target's own hint, in milliseconds from now: what is longer than `LONGEST_HINT_MS` is taken for that. */
  retryAfterMs?: number;
  /** Any other call of this account would fail the same way. Default: credentials and rate limits are. */
  accountWide?: boolean;
  /** HTTP status or null where no answer came. */
  status?: number | null;
  cause?: unknown;
}

/** The only error that a `ProviderConnection` throws. */
export class ProviderError extends Error {
  readonly kind: ProviderErrorKind;
  readonly outcome: CallOutcome;
  readonly reason: string;
  readonly remedy: string;
  readonly retryAfterMs: number | undefined;
  readonly accountWide: boolean;
  readonly status: number | null;

  constructor(fields: ProviderErrorFields) {
    super(fields.message, { cause: fields.cause });
    this.name = 'ProviderError';
    this.kind = fields.kind;
    this.outcome = fields.outcome;
    this.reason = fields.reason;
    this.remedy = fields.remedy;
    this.retryAfterMs = boundedHint(fields.retryAfterMs);
    this.accountWide =
      fields.accountWide ?? (fields.kind === 'credentials' || fields.kind === 'rate-limited');
    this.status = fields.status ?? null;
  }

  /** Whether time alone may heal it. */
  get isTransient(): boolean {
    return this.kind === 'rate-limited' || this.kind === 'unavailable';
  }

  /** Whether it speaks of the one object that the call was about, and says the same for as long as nobody acts. */
  get isOfOneObject(): boolean {
    return !this.isTransient && !this.accountWide;
  }

  /** What an admin reads: the cause and what to do about it. */
  get explanation(): string {
    return `${this.message} ${this.remedy}`;
  }
}

/** @returns undefined for what is no time to wait */
function boundedHint(ms: number | undefined): number | undefined {
  return ms !== undefined && ms >= 0 ? Math.min(ms, LONGEST_HINT_MS) : undefined;
}

/** One field of an integration's settings that the provider does not accept. */
export interface SettingsProblem {
  /** Path inside the settings, e.g. `accountSubdomain`; `secret` for the secret, `policies.memberRole` for that one. */
  field: string;
  message: string;
}

/** Settings or secret that cannot be right whatever the target says. */
export class SettingsError extends Error {
  constructor(readonly problems: readonly SettingsProblem[]) {
    super(problems.map((p) => `${p.field}: ${p.message}`).join('; '));
    this.name = 'SettingsError';
  }
}
