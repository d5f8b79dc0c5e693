import { Problem } from '../../admin-api/problem';
import type { ProblemCode } from '../../admin-api/problem-codes';

/** Settings and a secret that will not do. */
export class CredentialRefused extends Problem {
  constructor(
    code: ProblemCode,
    detail: string,
    /** What a diagnosis calls it: for the audit. */
    readonly reason: string,
  ) {
    super(code, detail);
    this.name = 'CredentialRefused';
  }
}
