import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { OperatorError } from '../config/operator-error';
import type { EncryptionKey } from './encryption-keys';

export interface SealedSecret {
  ciphertext: string;
  keyId: string;
}

/** No configured key decrypts this secret. */
export class SecretUnreadableError extends OperatorError {
  constructor(why: string) {
    super(`${why} Set SCIMIFY_ENCRYPTION_KEY to the key that encrypted the secrets of this database.`);
    this.name = 'SecretUnreadableError';
  }
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM. Every secret is bound to its row, so a ciphertext that is copied to another row does not decrypt.
 */
export class SecretBox {
  constructor(private readonly keys: readonly EncryptionKey[]) {}

  /** The id of the key that encrypts. */
  get sealingKeyId(): string {
    return this.keys[0]!.id;
  }

  knows(keyId: string): boolean {
    return this.keys.some(({ id }) => id === keyId);
  }

  /**
   * Derives keys for another purpose than encryption, one from each configured key. Use the first for new values;
   * it is the same in every process with the same first key. Use all to recognise values, until the operator
   * removes a key.
   */
  derive(purpose: string): [Buffer, ...Buffer[]] {
    const [first, ...others] = this.keys.map(({ bytes }) =>
      Buffer.from(hkdfSync('sha256', bytes, '', purpose, 32)),
    );
    return [first!, ...others];
  }

  /** @param boundTo the row's identity, e.g. `integration:{id}` */
  seal(secret: string, boundTo: string): SealedSecret {
    const key = this.keys[0]!;
    const iv = randomBytes(IV_BYTES);
    const cipher = createCipheriv('aes-256-gcm', key.bytes, iv);
    cipher.setAAD(Buffer.from(boundTo));
    const encrypted = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
    return {
      ciphertext: Buffer.concat([iv, cipher.getAuthTag(), encrypted]).toString('base64'),
      keyId: key.id,
    };
  }

  /** @throws SecretUnreadableError */
  open({ ciphertext, keyId }: SealedSecret, boundTo: string): string {
    const key = this.keys.find(({ id }) => id === keyId);
    if (!key)
      throw new SecretUnreadableError('A stored secret was encrypted with a key that is not configured.');
    const bytes = Buffer.from(ciphertext, 'base64');
    try {
      // Without this length Node.js accepts the shortened tag of a truncated ciphertext.
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(boundTo));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return (
        decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    } catch {
      throw new SecretUnreadableError('A stored secret does not belong to its row, or was altered.');
    }
  }
}
