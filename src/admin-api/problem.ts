import { type FieldProblem, PROBLEM_KINDS, type ProblemCode } from './problem-codes';

/** An error of the admin API, answered as problem details (RFC 9457). */
export class Problem extends Error {
  /**
   * @param code for programs
   * @param detail for a person: what is wrong and what to do
   */
  constructor(
    readonly code: ProblemCode,
    readonly detail: string = PROBLEM_KINDS[code].detail,
    readonly errors: readonly FieldProblem[] = [],
    readonly status: number = PROBLEM_KINDS[code].status,
  ) {
    super(detail);
    this.name = 'Problem';
  }

  static invalid(errors: readonly FieldProblem[]): Problem {
    const fields = [...new Set(errors.map(({ field }) => field))].join(', ');
    return new Problem(
      'invalid_request',
      `Some fields are not valid: ${fields}. Correct them and send the request again.`,
      errors,
    );
  }

  static notFound(what: string): Problem {
    return new Problem('not_found', `There is no such ${what}, or your key may not see it.`);
  }

  static forbidden(detail: string): Problem {
    return new Problem('forbidden', detail);
  }
}
