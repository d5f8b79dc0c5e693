import '../../bin/node-version';
import 'reflect-metadata';
import { resolve } from 'node:path';
import type { Settings } from '../config/settings';
import { BackupError, backUp } from '../database/backup';
import { SEALED_COLUMNS } from '../integrations/secrets/sealed-columns';
import { encryptionKeys, encryptionKeysFoundIn } from '../security/encryption-keys';
import { runCommand } from './run-command';

/** `npm run backup -- FILE`: copies the SQLite database of an installation that may be running. */
runCommand((settings) => {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new BackupError('Name the file of the copy: npm run backup -- FILE');
  if (settings.database.kind !== 'sqlite') {
    throw new BackupError(
      'This command copies SQLite only. For MySQL use mysqldump (see docs/operations.md).',
    );
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

/** Names the keys and never shows them. */
function keysToKeep(settings: Settings, neededIds: ReadonlySet<string>): string[] {
  const foundIn = encryptionKeysFoundIn(settings);
  const keys = foundIn === null ? [] : encryptionKeys(settings);
  const needed = keys.flatMap(({ id }, index) => (neededIds.has(id) ? [index + 1] : []));
  const unknown = [...neededIds].filter((needs) => !keys.some(({ id }) => id === needs));
  const which = keys.length > 1 ? ` (of its ${keys.length} keys: ${needed.join(', ')})` : '';
  return [
    'Keep these too, in another place than the copy:',
    ...(needed.length > 0
      ? [`  - the encryption key in ${foundIn}${which}: only this key decrypts the stored credentials`]
      : []),
    ...(unknown.length > 0
      ? [
          `  - the encryption key of the stored credentials. This environment does not have it: run this command with the environment of Scimify to see which key it is`,
        ]
      : []),
    settings.adminKey === null
      ? `  - the platform admin key (file admin-key in ${settings.dataDirectory}), unless you use another one`
      : '  - the platform admin key in SCIMIFY_ADMIN_KEY; you may also set a new one when you restore',
  ];
}

function idOf(row: unknown): string {
  return (row as { id: string }).id;
}
