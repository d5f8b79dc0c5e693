import 'reflect-metadata';
import { readSettings } from './src/config/settings';
import { writerOptions } from './src/database/data-source-options';
import { MigratingDataSource } from './src/database/migrating-data-source';
import { ENTITIES } from './src/entities';

/** For TypeORM's command line: the same database, entities and migrations as the application's. */
export default new MigratingDataSource(writerOptions(readSettings(process.env).database, ENTITIES));
