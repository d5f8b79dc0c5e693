import {
  IsBooleanString,
  IsIn,
  IsOptional,
  IsPort,
  IsUrl,
  Matches,
  MinLength,
  NotContains,
} from 'class-validator';

const HTTP_URL = { protocols: ['http', 'https'], require_protocol: true, require_tld: false };
const BASE64_256_BIT = '[A-Za-z0-9+/]{43}=';

/** The environment variables that Scimify reads, as the operator wrote them; unset and empty are the same. */
export class Environment {
  @IsOptional()
  @IsIn(['development', 'production', 'test'], { message: 'must be development, production or test' })
  NODE_ENV?: string;

  @IsOptional()
  @Matches(/^[A-Za-z0-9.:-]+$/, { message: 'must be an address to listen on, e.g. 127.0.0.1' })
  HOST?: string;

  @IsOptional()
  @IsPort({ message: 'must be a port number from 0 to 65535' })
  PORT?: string;

  @IsOptional()
  @IsUrl(HTTP_URL, { message: 'must be an http or https URL, e.g. https://scim.example.com' })
  @NotContains('_', { message: 'must hold no underscore: Okta refuses a base URL with one' })
  @Matches(/^[^?#]*$/, { message: 'must hold no query and no fragment' })
  SCIMIFY_PUBLIC_URL?: string;

  @IsOptional()
  @Matches(/^(sqlite:.+|mysql:\/\/[^/]+\/[^/?]+.*)$/, {
    message: 'must be sqlite:PATH or mysql://user:password@host:port/database',
  })
  DATABASE_URL?: string;

  @IsOptional()
  SCIMIFY_DATA_DIR?: string;

  @IsOptional()
  @Matches(new RegExp(`^${BASE64_256_BIT}(,${BASE64_256_BIT})*$`), {
    message: 'must be 32 bytes in base64 (openssl rand -base64 32), or several of them separated by commas',
  })
  SCIMIFY_ENCRYPTION_KEY?: string;

  @IsOptional()
  @MinLength(32, { message: 'must be at least 32 characters long' })
  @Matches(/^[\x21-\x7e]*$/, { message: 'must be printable ASCII without spaces' })
  SCIMIFY_ADMIN_KEY?: string;

  @IsOptional()
  @IsBooleanString({ message: 'must be true or false' })
  SCIMIFY_START_PAUSED?: string;

  @IsOptional()
  @IsIn(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
    message: 'must be fatal, error, warn, info, debug, trace or silent',
  })
  SCIMIFY_LOG_LEVEL?: string;

  @IsOptional()
  @IsUrl(HTTP_URL, { message: 'must be an http or https URL' })
  PAGERDUTY_API_URL?: string;

  @IsOptional()
  @IsUrl(HTTP_URL, { message: 'must be an http or https URL' })
  PAGERDUTY_IDENTITY_URL?: string;
}
