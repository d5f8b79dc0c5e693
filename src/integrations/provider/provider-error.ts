/** Together with `accountWide` and some reasons it decides what the engine does (docs/architecture.md, "Errors"). */
export type ProviderErrorKind =
  /** The target does not accept the credential: nothing of this integration works until an admin acts. */
  | 'credentials'
  /** The credential is accepted but may not do this. */
  | 'permission'
  | 'rate-limited'
  /** The target or the network path to it is down, slow or broken: the same call may succeed later. */
  | 'unavailable'
  /** The remote user or group that the call names does not exist. */
  | 'not-found'
  /** The request contradicts what already exists, e.g. a name that is taken. */
  | 'conflict'
  /** A rule of the target forbids the request; a retry soon changes nothing. */
  | 'rejected';

/** The engine acts on these reasons, so they are the same for every provider. It only shows all others. */
export const GROUP_GONE = 'team_gone';
/** The group may exist: it was created a moment ago. */
export const GROUP_NOT_VISIBLE_YET = 'not_visible_yet';
export const USER_GONE = 'user_gone';
/** The call that adds a member gets "not found", although group and user exist. It may pass within two minutes. */
export const ADDITION_NOT_FOUND = 'addition_not_found';
/** The call that changes or deletes a group gets "not found", although the group exists. */
export const CHANGE_NOT_FOUND = 'change_not_found';
export const GROUP_FULL = 'team_full';
/** The user cannot have the role that the policy names. When the policy changes, the engine tries again. */
export const ROLE_REFUSED = 'role_refused';

/** Longest wait that a target's hint can cause, in milliseconds: the target may have recovered by then. */
export const LONGEST_HINT_MS = 15 * 60_000;

/** Whether a failed call may still have taken effect. */
export type CallOutcome = 'not-applied' | 'unknown';

export interface ProviderErrorFields {
  kind: ProviderErrorKind;
  outcome: CallOutcome;
  /** Stable code in snake_case, e.g. `team_in_use`: shown in the API. */
  reason: string;
  /** One sentence: what happened, in the target's words if it has any. Never holds a secret. */
  message: string;
  /** One sentence for an admin: what to do about it. */
  remedy: string;
  /** The target's own hint, in milliseconds from now; capped at `LONGEST_HINT_MS`. */
  retryAfterMs?: number;
  /** Any other call of this account would fail the same way. Default: true for credentials and rate limits. */
  accountWide?: boolean;
  /** HTTP status, or null without a response. */
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

  /** Whether the error may pass by itself. */
  get isTransient(): boolean {
    return this.kind === 'rate-limited' || this.kind === 'unavailable';
  }

  /** Whether the error concerns only the object of the call, and lasts until a person acts. */
  get isOfOneObject(): boolean {
    return !this.isTransient && !this.accountWide;
  }

  /** The text for an admin: the cause and what to do about it. */
  get explanation(): string {
    return `${this.message} ${this.remedy}`;
  }
}

/** @returns undefined for a value that is not a valid wait time */
function boundedHint(ms: number | undefined): number | undefined {
  return ms !== undefined && ms >= 0 ? Math.min(ms, LONGEST_HINT_MS) : undefined;
}

/** One field of an integration's settings that the provider does not accept. */
export interface SettingsProblem {
  /**
   * Path in the settings, e.g. `accountSubdomain`; `secret` for the secret, `policies.memberRole` for the role.
   */
  field: string;
  message: string;
}

/** Settings or a secret that cannot be right, whatever the target says. */
export class SettingsError extends Error {
  constructor(readonly problems: readonly SettingsProblem[]) {
    super(problems.map((p) => `${p.field}: ${p.message}`).join('; '));
    this.name = 'SettingsError';
  }
}
