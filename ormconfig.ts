import 'reflect-metadata';
import { readSettings } from './src/config/settings';
import { writerOptions } from './src/database/data-source-options';
import { MigratingDataSource } from './src/database/migrating-data-source';
import { newDatabaseOf } from './src/database/new-database';
import { ENTITIES } from './src/entities';

const settings = readSettings(process.env);

/** For TypeORM's command line: the same database, entities and migrations as the application. */
export default new MigratingDataSource(writerOptions(settings.database, ENTITIES), newDatabaseOf(settings));
