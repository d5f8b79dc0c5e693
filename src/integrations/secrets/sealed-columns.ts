import { secretBinding } from '../connections/connections.service';

/** Where a sealed value is stored, and what it is bound to there. */
export interface SealedColumn {
  table: string;
  ciphertext: string;
  keyId: string;
  /** @param id of the row */
  binding(id: string): string;
}

/** Everything that is stored sealed: what is not named here is lost when its key is taken away. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'integration', ciphertext: 'secretCiphertext', keyId: 'secretKeyId', binding: secretBinding },
  { table: 'encryption_check', ciphertext: 'ciphertext', keyId: 'keyId', binding: checkBinding },
];

export function checkBinding(id: string): string {
  return `encryption-check:${id}`;
}
