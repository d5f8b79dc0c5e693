import '../../bin/node-version';
import 'reflect-metadata';
import { Writer } from '../database/writer';
import { ENTITIES } from '../entities';
import { runCommand } from './run-command';

/** `npm run migration:run`: brings the database schema up to date and exits. */
runCommand(async (settings) => {
  const writer = await Writer.open(settings, ENTITIES);
  await writer.close();
  const { migrated } = writer;
  console.log(
    migrated.length === 0 ? 'The database was up to date already.' : `Migrated: ${migrated.join(', ')}.`,
  );
});
