import '../bin/node-version';
import 'reflect-metadata';
import { readSettings } from './config/settings';
import { Writer } from './database/writer';
import { ENTITIES } from './entities';
import { endWith } from './process-end';

/** `npm run migration:run`: brings the database up to date and ends. */
async function main(): Promise<void> {
  const writer = await Writer.open(readSettings(process.env), ENTITIES);
  await writer.close();
  const { migrated } = writer;
  console.log(
    migrated.length === 0 ? 'The database was up to date already.' : `Migrated: ${migrated.join(', ')}.`,
  );
}

main().catch(endWith);
