import '../../bin/node-version';
import 'reflect-metadata';
import { AuditLog } from '../audit/audit-log';
import { Writer } from '../database/writer';
import { ENTITIES } from '../entities';
import { SecretRotation } from '../integrations/secrets/secret-rotation';
import { encryptionKeys } from '../security/encryption-keys';
import { SecretBox } from '../security/secret-box';
import { runCommand } from './run-command';

/** `npm run secrets:rotate`: encrypts every stored secret with the first key of SCIMIFY_ENCRYPTION_KEY. */
runCommand(async (settings) => {
  const secrets = new SecretBox(encryptionKeys(settings));
  const writer = await Writer.open(settings, ENTITIES);
  try {
    const rotation = new SecretRotation(writer.dataSource, writer.transactions, secrets, new AuditLog());
    const { resealed, current, unreadable, left } = await rotation.run();
    console.log(`Re-encrypted ${resealed} with the first key; ${current} already used it.`);
    if (left > 0) {
      console.error(
        `Another process stored ${left} with an older key meanwhile. Put the new key first in SCIMIFY_ENCRYPTION_KEY of every process, then run this command again.`,
      );
    }
    if (unreadable.length > 0)
      console.error(`Could not decrypt:\n${unreadable.map((row) => `  - ${row}`).join('\n')}`);
    if (left + unreadable.length > 0) process.exitCode = 1;
  } finally {
    await writer.close();
  }
});
