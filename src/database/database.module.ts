import { type DynamicModule, Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SETTINGS, type Settings } from '../config/settings';
import { ObservabilityModule } from '../observability/observability.module';
import { Readiness } from '../observability/readiness';
import { type EntityClasses, readerOptions } from './data-source-options';
import { TransactionRunner } from './transaction-runner';
import { Writer } from './writer';

@Global()
@Module({})
class WriterModule implements OnApplicationShutdown {
  constructor(
    private readonly writer: Writer,
    readiness: Readiness,
  ) {
    readiness.addCheck(() =>
      writer.space.isFull ? 'The disk of the database is full: nothing can be written.' : null,
    );
  }

  static forRoot(entities: EntityClasses): DynamicModule {
    return {
      module: WriterModule,
      imports: [ObservabilityModule],
      providers: [
        {
          provide: Writer,
          inject: [SETTINGS],
          useFactory: (settings: Settings) => Writer.open(settings, entities),
        },
        {
          provide: TransactionRunner,
          inject: [Writer],
          useFactory: ({ transactions }: Writer) => transactions,
        },
      ],
      exports: [Writer, TransactionRunner],
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
          // The writer creates and migrates the database before the reader opens it.
          inject: [SETTINGS, Writer],
          useFactory: (settings: Settings) => ({
            ...readerOptions(settings.database, entities),
            retryAttempts: 0,
          }),
        }),
      ],
    };
  }
}
