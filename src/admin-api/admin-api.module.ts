import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { IdempotencyKey } from './idempotency/idempotency-key.entity';
import { IdempotentCreations } from './idempotency/idempotent-creations';
import { KeyUses } from './key-uses';

@Global()
@Module({
  imports: [TypeOrmModule.forFeature([IdempotencyKey])],
  providers: [IdempotentCreations, KeyUses],
  exports: [IdempotentCreations, KeyUses],
})
export class AdminApiModule {}
