import { Global, Module } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IdempotencyKey } from './idempotency/idempotency-key.entity';
import { IdempotentCreations } from './idempotency/idempotent-creations';
import { KeyUses } from './key-uses';
import { adminValidation } from './validation';

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([IdempotencyKey])],
  providers: [IdempotentCreations, KeyUses, { provide: APP_PIPE, useFactory: adminValidation }],
  exports: [IdempotentCreations, KeyUses],
})
export class AdminApiModule {}
