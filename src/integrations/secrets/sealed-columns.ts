import { secretBinding } from '../connections/connections.service';

/** The columns of an encrypted value and the context that its ciphertext is bound to. */
export interface SealedColumn {
  table: string;
  ciphertext: string;
  keyId: string;
  /** @param id id of the row */
  binding(id: string): string;
}

/** All encrypted columns. A missing column is never rotated: its values are lost when their key is removed. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'integration', ciphertext: 'secretCiphertext', keyId: 'secretKeyId', binding: secretBinding },
  { table: 'encryption_check', ciphertext: 'ciphertext', keyId: 'keyId', binding: checkBinding },
];

export function checkBinding(id: string): string {
  return `encryption-check:${id}`;
}
