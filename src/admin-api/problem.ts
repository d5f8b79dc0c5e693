/** One field that the admin API does not accept. */
export interface FieldProblem {
  /** Dotted path inside the body or query, e.g. `settings.accountSubdomain`. */
  field: string;
  message: string;
}

/** An error of the admin API, answered as problem details (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    /** Stable, in snake_case: what a program switches on. */
    readonly code: string,
    /** One sentence for a person: what is wrong and what to do. */
    readonly detail: string,
    readonly errors: readonly FieldProblem[] = [],
  ) {
    super(detail);
    this.name = 'Problem';
  }

  static invalid(errors: readonly FieldProblem[]): Problem {
    const fields = [...new Set(errors.map(({ field }) => field))].join(', ');
    return new Problem(400, 'invalid_request', `Some fields are not acceptable: ${fields}.`, errors);
  }

  static notFound(what: string): Problem {
    return new Problem(404, 'not_found', `There is no such ${what}, or your key may not see it.`);
  }

  static conflict(code: string, detail: string): Problem {
    return new Problem(409, code, detail);
  }

  static forbidden(detail: string): Problem {
    return new Problem(403, 'forbidden', detail);
  }
}
