import { Module } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SecurityModule } from '../security/security.module';
import { IdempotencyKey } from './idempotency/idempotency-key.entity';
import { IdempotentCreations } from './idempotency/idempotent-creations';
import { KeyUses } from './key-uses';
import { adminValidation } from './validation';

@Module({
  imports: [SecurityModule, TypeOrmModule.forFeature([IdempotencyKey])],
  providers: [IdempotentCreations, KeyUses, { provide: APP_PIPE, useFactory: adminValidation }],
  exports: [IdempotentCreations, KeyUses],
})
export class AdminApiModule {}
