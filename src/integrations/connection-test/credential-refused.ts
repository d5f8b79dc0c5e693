import { Problem } from '../../admin-api/problem';
import type { ProblemCode } from '../../admin-api/problem-codes';

/** The connection test refused the settings and the secret. */
export class CredentialRefused extends Problem {
  constructor(
    code: ProblemCode,
    detail: string,
    /** The reason of the failed check, for the audit. */
    readonly reason: string,
  ) {
    super(code, detail);
    this.name = 'CredentialRefused';
  }
}
