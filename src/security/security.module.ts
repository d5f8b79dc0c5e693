import { Global, Module } from '@nestjs/common';
import { SETTINGS, type Settings } from '../config/settings';
import { encryptionKeys } from './encryption-keys';
import { SecretBox } from './secret-box';

@Global()
@Module({
  providers: [
    {
      provide: SecretBox,
      inject: [SETTINGS],
      useFactory: (settings: Settings) => new SecretBox(encryptionKeys(settings)),
    },
  ],
  exports: [SecretBox],
})
export class SecurityModule {}
