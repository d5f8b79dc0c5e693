import { Global, Module } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings';
import { encryptionKeys } from './encryption-keys';
import { RateLimits } from './rate-limits';
import { SecretBox } from './secret-box';

@Global()
@Module({
  providers: [
    RateLimits,
    {
      provide: SecretBox,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => new SecretBox(encryptionKeys(settings)),
    },
  ],
  exports: [RateLimits, SecretBox],
})
export class SecurityModule {}
