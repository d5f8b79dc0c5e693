import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../config/operator-error';
import type { Settings } from '../config/settings';

const KEY_BYTES = 32;

/** The file of the generated key does not contain a key. */
class KeyFileDamagedError extends OperatorError {
  constructor(path: string) {
    super(
      `The file ${path} holds no encryption key (32 bytes in base64): replace it with the file from your backup, or set SCIMIFY_ENCRYPTION_KEY. Another key cannot decrypt the stored secrets.`,
    );
    this.name = 'KeyFileDamagedError';
  }
}

export interface EncryptionKey {
  /** Stored with each ciphertext: it says which key decrypts it, and nothing about the key. */
  id: string;
  bytes: Buffer;
}

type KeySettings = Pick<Settings, 'encryptionKeys' | 'dataDirectory'>;

/** The operator's keys, else the key in the data directory, else a new key. The first encrypts, all decrypt. */
export function encryptionKeys({ encryptionKeys: given, dataDirectory }: KeySettings): EncryptionKey[] {
  const keys = given ?? [storedKey(dataDirectory) ?? randomBytes(KEY_BYTES)];
  return keys.map((bytes) => ({
    id: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
    bytes,
  }));
}

/** The variable or the file that holds the keys; null when there is no key yet. */
export function encryptionKeysFoundIn({ encryptionKeys: given, dataDirectory }: KeySettings): string | null {
  if (given) return 'SCIMIFY_ENCRYPTION_KEY';
  return existsSync(pathIn(dataDirectory)) ? pathIn(dataDirectory) : null;
}

/** Stores a new key. Call it when the database exists: a stored key means that there was a database. */
export function keepNewKey(settings: KeySettings, [key]: readonly EncryptionKey[]): void {
  if (encryptionKeysFoundIn(settings) !== null) return;
  mkdirSync(settings.dataDirectory, { recursive: true, mode: 0o700 });
  const text = `${key!.bytes.toString('base64')}\n`;
  writeFileSync(pathIn(settings.dataDirectory), text, { mode: 0o600, flag: 'wx' });
}

function storedKey(dataDirectory: string): Buffer | null {
  const path = pathIn(dataDirectory);
  if (!existsSync(path)) return null;
  const text = statSync(path).isFile() ? readFileSync(path, 'utf8') : '';
  const key = Buffer.from(text.trim(), 'base64');
  if (key.length !== KEY_BYTES) throw new KeyFileDamagedError(path);
  return key;
}

function pathIn(dataDirectory: string): string {
  return join(dataDirectory, 'encryption-key');
}
