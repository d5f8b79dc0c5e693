import { type DynamicModule, Global, Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import { SETTINGS, type Settings } from '../config/settings';
import { type EntityClasses, readerOptions, writerOptions } from './data-source-options';
import { MysqlTransactionRunner } from './mysql-transaction-runner';
import { ProcessLock } from './process-lock';
import { SqliteTransactionRunner } from './sqlite-transaction-runner';
import { TransactionRunner } from './transaction-runner';

const WRITER = Symbol('WRITER');

/** The writing connection with, on SQLite, the lock that keeps other processes out. */
class Writer {
  private constructor(
    readonly dataSource: DataSource,
    private readonly lock: ProcessLock | null,
  ) {}

  static async open(settings: Settings, entities: EntityClasses): Promise<Writer> {
    const lock = settings.database.kind === 'sqlite' ? ProcessLock.acquire(settings.database.path) : null;
    try {
      const dataSource = await new DataSource(writerOptions(settings.database, entities)).initialize();
      await dataSource.runMigrations();
      return new Writer(dataSource, lock);
    } catch (error) {
      lock?.release();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.dataSource.destroy();
    this.lock?.release();
  }
}

@Global()
@Module({})
class WriterModule implements OnApplicationShutdown {
  constructor(@Inject(WRITER) private readonly writer: Writer) {}

  static forRoot(entities: EntityClasses): DynamicModule {
    return {
      module: WriterModule,
      providers: [
        {
          provide: WRITER,
          inject: [SETTINGS],
          useFactory: (settings: Settings) => Writer.open(settings, entities),
        },
        {
          provide: TransactionRunner,
          inject: [WRITER, SETTINGS],
          useFactory: ({ dataSource }: Writer, settings: Settings) =>
            settings.database.kind === 'mysql'
              ? new MysqlTransactionRunner(dataSource)
              : new SqliteTransactionRunner(dataSource),
        },
      ],
      exports: [WRITER, TransactionRunner],
    };
  }

  onApplicationShutdown(): Promise<void> {
    return this.writer.close();
  }
}

@Module({})
export class DatabaseModule {
  static forRoot(entities: EntityClasses): DynamicModule {
    return {
      module: DatabaseModule,
      imports: [
        WriterModule.forRoot(entities),
        TypeOrmModule.forRootAsync({
          // The reader opens a database that the writer has made and migrated.
          inject: [SETTINGS, WRITER],
          useFactory: (settings: Settings) => ({
            ...readerOptions(settings.database, entities),
            retryAttempts: 0,
          }),
        }),
      ],
    };
  }
}
