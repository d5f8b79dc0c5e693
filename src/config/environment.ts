import { isIP } from 'node:net';
import {
  IsBooleanString,
  IsIn,
  IsOptional,
  IsPort,
  IsUrl,
  Matches,
  MinLength,
  NotContains,
  ValidateBy,
} from 'class-validator';

const HTTP_URL = { protocols: ['http', 'https'], require_protocol: true, require_tld: false };
const REQUESTS_PER_SECOND = { message: 'must be a whole number of requests a second, or 0 for no limit' };
const WHOLE_NUMBER = (least: number, most: number) => ({
  name: 'isWholeNumber',
  validator: {
    validate: (value: string) => /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most,
    defaultMessage: () => `must be a whole number from ${least} to ${most}`,
  },
});
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
  @NotContains('_', { message: 'must not contain an underscore: Okta refuses such a base URL' })
  @Matches(/^[^?#]*$/, { message: 'must not contain a query or a fragment' })
  @Matches(/^(?!\w+:\/\/[^/]*@)/, {
    message: 'must not contain a user name or a password: every caller can see this URL',
  })
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
  @IsBooleanString({ message: 'must be true or false' })
  SCIMIFY_NEW_DATABASE?: string;

  @IsOptional()
  @MinLength(32, { message: 'must be at least 32 characters long' })
  @Matches(/^[\x21-\x7e]*$/, { message: 'must be printable ASCII without spaces' })
  SCIMIFY_ADMIN_KEY?: string;

  @IsOptional()
  @IsBooleanString({ message: 'must be true or false' })
  SCIMIFY_START_PAUSED?: string;

  @IsOptional()
  @Matches(/^\d{1,5}$/, { message: 'must be a number of days, or 0 to keep audit events for ever' })
  SCIMIFY_AUDIT_RETENTION_DAYS?: string;

  @IsOptional()
  @ValidateBy({
    name: 'areNetworks',
    validator: {
      validate: (value: string) => value.split(',').every(isNetwork),
      defaultMessage: () =>
        'must be IP addresses or networks separated by commas, e.g. 10.0.0.0/8,2001:db8::1',
    },
  })
  SCIMIFY_TRUSTED_PROXIES?: string;

  @IsOptional()
  @Matches(/^\d{1,6}$/, REQUESTS_PER_SECOND)
  SCIMIFY_SCIM_RATE_LIMIT?: string;

  @IsOptional()
  @Matches(/^\d{1,6}$/, REQUESTS_PER_SECOND)
  SCIMIFY_ADMIN_RATE_LIMIT?: string;

  @IsOptional()
  @Matches(/^\d{1,6}$/, REQUESTS_PER_SECOND)
  SCIMIFY_TENANT_RATE_LIMIT?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(1, 1_000))
  SCIMIFY_PARALLEL_REQUESTS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(1, 100_000))
  SCIMIFY_MAX_CONNECTIONS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(1, 100_000))
  SCIMIFY_MAX_CONNECTIONS_PER_ADDRESS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(1, 600))
  SCIMIFY_HEADERS_TIMEOUT_SECONDS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(1, 3_600))
  SCIMIFY_BODY_TIMEOUT_SECONDS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(32, 100_000))
  SCIMIFY_UNFINISHED_BODIES_MIB?: string;

  @IsOptional()
  @IsBooleanString({ message: 'must be true or false' })
  SCIMIFY_API_DOCS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(0, 1_000_000))
  SCIMIFY_MAX_INTEGRATIONS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(0, 1_000_000))
  SCIMIFY_MAX_ADMIN_KEYS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(0, 1_000_000))
  SCIMIFY_MAX_SCIM_KEYS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(0, 100_000_000))
  SCIMIFY_MAX_USERS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(0, 10_000_000))
  SCIMIFY_MAX_GROUPS?: string;

  @IsOptional()
  @ValidateBy(WHOLE_NUMBER(0, 100_000_000))
  SCIMIFY_MAX_MEMBERSHIPS?: string;

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

  @IsOptional()
  @Matches(/^([1-9]|1[0-6])$/, { message: 'must be a number of calls from 1 to 16' })
  PAGERDUTY_PARALLEL_CALLS?: string;
}

function isNetwork(text: string): boolean {
  const [address = '', prefix = '1', ...rest] = text.trim().split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)]!;
  return rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) >= 1 && Number(prefix) <= bits;
}
