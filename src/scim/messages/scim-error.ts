import { MESSAGE_URNS } from './urns';

/** Detail error keywords of RFC 7644 §3.12 table 9, and those of RFC 9865 §4 for cursors. */
export const SCIM_TYPES = [
  'invalidFilter',
  'tooMany',
  'uniqueness',
  'mutability',
  'invalidSyntax',
  'invalidPath',
  'noTarget',
  'invalidValue',
  'invalidVers',
  'sensitive',
  'invalidCursor',
  'expiredCursor',
  'invalidCount',
] as const;
export type ScimType = (typeof SCIM_TYPES)[number];

export interface ScimErrorBody {
  schemas: [typeof MESSAGE_URNS.error];
  /** The HTTP status as a JSON string (RFC 7644 §3.12). */
  status: string;
  scimType?: ScimType;
  detail: string;
}

/**
 * An error of the SCIM API. An admin of the IdP reads `detail` on a task page: one sentence that says what is
 * wrong and what to do. Insert text of the client only through `quoted`.
 */
export class ScimError extends Error {
  override readonly name = 'ScimError';

  constructor(
    readonly status: number,
    readonly scimType: ScimType | undefined,
    readonly detail: string,
  ) {
    super(detail);
  }

  static invalidFilter(detail: string): ScimError {
    return new ScimError(400, 'invalidFilter', detail);
  }

  static invalidPath(detail: string): ScimError {
    return new ScimError(400, 'invalidPath', detail);
  }

  static invalidSyntax(detail: string): ScimError {
    return new ScimError(400, 'invalidSyntax', detail);
  }

  static invalidValue(detail: string): ScimError {
    return new ScimError(400, 'invalidValue', detail);
  }

  static mutability(detail: string): ScimError {
    return new ScimError(400, 'mutability', detail);
  }

  static noTarget(detail: string): ScimError {
    return new ScimError(400, 'noTarget', detail);
  }

  static invalidCursor(): ScimError {
    return new ScimError(
      400,
      'invalidCursor',
      'The cursor does not belong to this list; start again without a cursor.',
    );
  }

  static tooMany(detail: string): ScimError {
    return new ScimError(400, 'tooMany', detail);
  }

  static uniqueness(detail: string): ScimError {
    return new ScimError(409, 'uniqueness', detail);
  }

  static notFound(detail: string): ScimError {
    return new ScimError(404, undefined, detail);
  }

  static preconditionFailed(detail: string): ScimError {
    return new ScimError(412, undefined, detail);
  }

  static tooLarge(detail: string): ScimError {
    return new ScimError(413, undefined, detail);
  }

  toBody(): ScimErrorBody {
    return {
      schemas: [MESSAGE_URNS.error],
      status: String(this.status),
      ...(this.scimType === undefined ? {} : { scimType: this.scimType }),
      detail: this.detail,
    };
  }
}

/** 405 for a method that the endpoint does not support, with the supported methods. */
export class ScimMethodNotAllowedError extends ScimError {
  constructor(readonly allowed: string) {
    super(405, undefined, `This endpoint supports only ${allowed}.`);
  }
}

const ECHO_LIMIT = 100;

/**
 * Client text for a `detail`: in quotes, with control characters, lone surrogates and line separators escaped, at most
 * 100 characters between the quotes.
 */
export function quoted(text: string): string {
  // Escaping never shortens a text, so nothing after this cut can appear.
  const escaped = JSON.stringify(text.slice(0, ECHO_LIMIT + 1))
    .slice(1, -1)
    .replace(/[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, escapeCodeUnit);
  if (escaped.length <= ECHO_LIMIT) return `"${escaped}"`;
  // Must not cut inside an escape or between two surrogates.
  const cut = escaped.slice(0, ECHO_LIMIT - 1).replace(/(\\|\\u[0-9a-f]{0,3}|[\ud800-\udbff])$/, '');
  return `"${cut}…"`;
}

function escapeCodeUnit(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
