import { Global, Inject, Logger, Module, type OnModuleInit } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings';
import { openToOthers } from './data-directory';
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
export class SecurityModule implements OnModuleInit {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  onModuleInit(): void {
    const warning = openToOthers(this.settings.dataDirectory);
    if (warning !== null) new Logger(SecurityModule.name).warn(warning);
  }
}
