import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { OperatorError } from '../config/operator-error';
import type { EncryptionKey } from './encryption-keys';

export interface SealedSecret {
  ciphertext: string;
  keyId: string;
}

/** No configured key opens this secret. */
export class SecretUnreadableError extends OperatorError {
  constructor(why: string) {
    super(`${why} Set SCIMIFY_ENCRYPTION_KEY to the key that the database was written with.`);
    this.name = 'SecretUnreadableError';
  }
}

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * AES-256-GCM. Every secret is bound to the row it belongs to, so a ciphertext copied to another row does not open.
 */
export class SecretBox {
  constructor(private readonly keys: readonly EncryptionKey[]) {}

  /** Of the key that encrypts. */
  get sealingKeyId(): string {
    return this.keys[0]!.id;
  }

  knows(keyId: string): boolean {
    return this.keys.some(({ id }) => id === keyId);
  }

  /**
   * Keys for another purpose than encryption, one of each configured key; the first is to be made use of, and is the same
   * in every process that has the same first key. What they make is recognised until the operator takes out its key.
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
      // Left to itself, Node takes the tag of a ciphertext that was cut short, however few bits of it there are.
      const decipher = createDecipheriv('aes-256-gcm', key.bytes, bytes.subarray(0, IV_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(boundTo));
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
      return (
        decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
      );
    } catch {
      throw new SecretUnreadableError(
        'A stored secret does not belong to the row it stands in, or was altered.',
      );
    }
  }
}
