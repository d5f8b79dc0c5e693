import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { readSettings } from './src/config/settings';
import { writerOptions } from './src/database/data-source-options';
import { ENTITIES } from './src/entities';

/** For TypeORM's command line: the same database, entities and migrations as the application's. */
export default new DataSource(writerOptions(readSettings(process.env).database, ENTITIES));
