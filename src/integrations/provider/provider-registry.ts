import { Inject, Injectable } from '@nestjs/common';
import Ajv2020, { type ErrorObject, type ValidateFunction } from 'ajv/dist/2020';
import type { IntegrationProvider } from './integration-provider';
import { SettingsError, type SettingsProblem } from './provider-error';

/** Injection token of every `IntegrationProvider` that this build knows. */
export const INTEGRATION_PROVIDERS = Symbol('INTEGRATION_PROVIDERS');

@Injectable()
export class ProviderRegistry {
  private readonly byType: ReadonlyMap<string, IntegrationProvider>;
  private readonly schemas: ReadonlyMap<string, ValidateFunction>;

  constructor(@Inject(INTEGRATION_PROVIDERS) providers: readonly IntegrationProvider[]) {
    this.byType = new Map(providers.map((provider) => [provider.type, provider]));
    // Not strict: the schemas have keywords of their own for forms, e.g. `x-secret`.
    const ajv = new Ajv2020({ strict: false, allErrors: true });
    this.schemas = new Map(
      providers.map(({ type, description }) => [type, ajv.compile(description.settingsSchema)]),
    );
  }

  get types(): string[] {
    return [...this.byType.keys()];
  }

  find(type: string): IntegrationProvider | undefined {
    return this.byType.get(type);
  }

  /** For a type that is stored with an integration. */
  get(type: string): IntegrationProvider {
    const provider = this.byType.get(type);
    if (!provider) throw new Error(`This build of Scimify has no provider "${type}"`);
    return provider;
  }

  /**
   * Parses settings with the provider, then checks them against the schema that it publishes. The provider comes
   * first, because its messages fit the mistakes that people make.
   *
   * @throws SettingsError naming each wrong field
   */
  parseSettings(type: string, input: unknown): object {
    assertBounded(input);
    const settings = this.get(type).parseSettings(input);
    const matches = this.schemas.get(type)!;
    if (!matches(settings)) throw new SettingsError((matches.errors ?? []).map(asProblem));
    return settings;
  }

  /** @throws SettingsError for a role that the groups of this target do not have */
  checkMemberRole(type: string, role: string | null): void {
    const { displayName, memberRoles } = this.get(type).description;
    if (role === null || memberRoles.some(({ id }) => id === role)) return;
    const known = memberRoles.map(({ id }) => id).join(', ');
    const message =
      known === '' ? `must be null: ${displayName} has no roles in its groups` : `must be one of: ${known}`;
    throw new SettingsError([{ field: 'policies.memberRole', message }]);
  }

  /** @throws SettingsError for a secret that cannot be right for these settings */
  checkSecret(type: string, settings: object, secret: string): void {
    const problems = this.get(type).checkSecret(settings, secret);
    if (problems.length > 0) throw new SettingsError(problems);
  }
}

/** In UTF-16 code units: longer than any setting of any target, and short enough to examine. */
const TEXT_LENGTH = 2_048;
const NAME_LENGTH = 100;
const VALUES = 100;

/** @throws SettingsError for input that is too large to examine */
function assertBounded(input: unknown): void {
  let values = 0;
  const look = (value: unknown, field: string): void => {
    values += 1;
    if (values > VALUES) throw tooLarge('settings', `There are more than ${VALUES} values in the settings.`);
    if (typeof value === 'string' && value.length > TEXT_LENGTH) {
      throw tooLarge(field, `A setting has at most ${TEXT_LENGTH} characters; this one has ${value.length}.`);
    }
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      if (name.length > NAME_LENGTH) {
        throw tooLarge('settings', `The name of a setting has at most ${NAME_LENGTH} characters.`);
      }
      look(inner, field === 'settings' ? name : `${field}.${name}`);
    }
  };
  look(input, 'settings');
}

function tooLarge(field: string, message: string): SettingsError {
  return new SettingsError([{ field, message }]);
}

function asProblem({ instancePath, message }: ErrorObject): SettingsProblem {
  return {
    field: instancePath.slice(1) || 'settings',
    message: `This setting ${message ?? 'is not acceptable'}.`,
  };
}
