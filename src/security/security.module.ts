import { Inject, Logger, Module, type OnModuleInit } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings';
import { openToOthers } from './data-directory';
import { type EncryptionKey, encryptionKeys, keepNewKey } from './encryption-keys';
import { RateLimits } from './rate-limits';
import { SecretBox } from './secret-box';

const ENCRYPTION_KEYS = Symbol('ENCRYPTION_KEYS');

@Module({
  providers: [
    RateLimits,
    { provide: ENCRYPTION_KEYS, inject: [SETTINGS], useFactory: encryptionKeys },
    {
      provide: SecretBox,
      inject: [ENCRYPTION_KEYS],
      useFactory: (keys: EncryptionKey[]) => new SecretBox(keys),
    },
  ],
  exports: [RateLimits, SecretBox],
})
export class SecurityModule implements OnModuleInit {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(ENCRYPTION_KEYS) private readonly keys: EncryptionKey[],
  ) {}

  /** Runs when everything is created, also the database. */
  onModuleInit(): void {
    keepNewKey(this.settings, this.keys);
    const warning = openToOthers(this.settings.dataDirectory);
    if (warning !== null) new Logger(SecurityModule.name).warn(warning);
  }
}
