import '../bin/node-version';
import 'reflect-metadata';
import { resolve } from 'node:path';
import type { Settings } from './config/settings';
import { BackupError, backUp } from './database/backup';
import { SEALED_COLUMNS } from './integrations/secrets/sealed-columns';
import { runCommand } from './program';
import { encryptionKeys, encryptionKeysFoundIn } from './security/encryption-keys';

/** `npm run backup -- FILE`: copies the SQLite database of an installation that may be running. */
runCommand((settings) => {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new BackupError('Say where the copy is to be: npm run backup -- FILE');
  if (settings.database.kind !== 'sqlite') {
    throw new BackupError('This copies SQLite. For MySQL use mysqldump, as docs/operations.md tells.');
  }
  const { bytes, seen: keyIds } = backUp(settings.database.path, resolve(file), (copy) =>
    SEALED_COLUMNS.flatMap(({ table, keyId }) =>
      copy.prepare(`SELECT DISTINCT ${keyId} AS id FROM ${table}`).all().map(idOf),
    ),
  );
  const report = [
    `Copied to ${resolve(file)} (${Math.ceil(bytes / 1024)} KiB), and checked.`,
    ...keysToKeep(settings, new Set(keyIds)),
  ];
  process.stdout.write(`${report.join('\n')}\n`);
});

/** Named, never shown. */
function keysToKeep(settings: Settings, neededIds: ReadonlySet<string>): string[] {
  const foundIn = encryptionKeysFoundIn(settings);
  const keys = foundIn === null ? [] : encryptionKeys(settings);
  const needed = keys.flatMap(({ id }, index) => (neededIds.has(id) ? [index + 1] : []));
  const unknown = [...neededIds].filter((needs) => !keys.some(({ id }) => id === needs));
  const which = keys.length > 1 ? ` (of its ${keys.length} keys: ${needed.join(', ')})` : '';
  return [
    'Keep with it, in another place:',
    ...(needed.length > 0
      ? [`  - the encryption key in ${foundIn}${which}: nothing else opens the stored credentials`]
      : []),
    ...(unknown.length > 0
      ? [
          `  - the encryption key that the database was written with. It is not in this environment: run this with the environment of Scimify, to see which it is`,
        ]
      : []),
    settings.adminKey === null
      ? `  - the platform admin key, in admin-key of ${settings.dataDirectory} unless you keep another one`
      : '  - the platform admin key in SCIMIFY_ADMIN_KEY, or make another one when you restore',
  ];
}

function idOf(row: unknown): string {
  return (row as { id: string }).id;
}
