import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/settings';

export interface EncryptionKey {
  /** Stored beside each ciphertext: tells which key opens it, and nothing about the key. */
  id: string;
  bytes: Buffer;
}

/** The operator's keys, or one generated into the data directory at first boot; the first encrypts, all decrypt. */
export function encryptionKeys(
  settings: Pick<Settings, 'encryptionKeys' | 'dataDirectory'>,
): EncryptionKey[] {
  const keys = settings.encryptionKeys ?? [generatedKey(settings.dataDirectory)];
  return keys.map((bytes) => ({
    id: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
    bytes,
  }));
}

function generatedKey(dataDirectory: string): Buffer {
  const path = join(dataDirectory, 'encryption-key');
  if (!existsSync(path)) {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    writeFileSync(path, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600, flag: 'wx' });
  }
  return Buffer.from(readFileSync(path, 'utf8').trim(), 'base64');
}
