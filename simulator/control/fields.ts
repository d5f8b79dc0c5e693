/** An invalid control request. The message names the field. */
export class InputError extends Error {
  constructor(field: string, need: string) {
    super(`${field}: ${need}`);
    this.name = 'InputError';
  }
}

/**
 * Reads a JSON object field by field. Every getter returns undefined for an absent field. {@link Fields.end} refuses
 * fields that no getter has read, so a misspelt field is an error.
 */
export class Fields {
  private readonly object: Record<string, unknown>;
  private readonly read = new Set<string>();

  constructor(
    value: unknown,
    private readonly where = '',
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new InputError(where || 'body', 'must be a JSON object');
    }
    this.object = value as Record<string, unknown>;
  }

  string(name: string): string | undefined {
    return this.of(name, 'must be a string', (value) => (typeof value === 'string' ? value : undefined));
  }

  requiredString(name: string): string {
    const value = this.string(name);
    if (value === undefined || value === '') throw this.error(name, 'is required');
    return value;
  }

  nullableString(name: string): string | null | undefined {
    return this.of(name, 'must be a string or null', (value) =>
      value === null || typeof value === 'string' ? value : undefined,
    );
  }

  boolean(name: string): boolean | undefined {
    return this.of(name, 'must be true or false', (value) =>
      typeof value === 'boolean' ? value : undefined,
    );
  }

  number(name: string): number | undefined {
    return this.of(name, 'must be a number', (value) => (typeof value === 'number' ? value : undefined));
  }

  integer(name: string, least: number, most: number): number | undefined {
    return this.of(name, `must be an integer from ${least} to ${most}`, (value) =>
      typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
        ? value
        : undefined,
    );
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T | undefined {
    return this.of(name, `must be one of ${values.join(', ')}`, (value) =>
      values.find((candidate) => candidate === value),
    );
  }

  strings(name: string): string[] | undefined {
    return this.of(name, 'must be an array of strings', (value) =>
      Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined,
    );
  }

  list(name: string): unknown[] | undefined {
    return this.of(name, 'must be an array', (value) =>
      Array.isArray(value) ? (value as unknown[]) : undefined,
    );
  }

  any(name: string): unknown {
    return this.of(name, '', (value) => value);
  }

  /** An object with any keys, whose values all have one type. */
  record<T>(
    name: string,
    kind: 'string' | 'boolean',
    as: (value: unknown) => T,
  ): Record<string, T> | undefined {
    return this.of(name, `must be an object of ${kind}s`, (value) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      const entries = Object.entries(value);
      if (!entries.every(([, item]) => typeof item === kind)) return undefined;
      return Object.fromEntries(entries.map(([key, item]) => [key, as(item)]));
    });
  }

  end(): void {
    for (const name of Object.keys(this.object)) {
      if (!this.read.has(name)) throw this.error(name, 'is not a field of this request');
    }
  }

  private of<T>(name: string, need: string, accept: (value: unknown) => T | undefined): T | undefined {
    this.read.add(name);
    const value = this.object[name];
    if (value === undefined) return undefined;
    const accepted = accept(value);
    if (accepted === undefined) throw this.error(name, need);
    return accepted;
  }

  private error(name: string, need: string): InputError {
    return new InputError(this.where ? `${this.where}.${name}` : name, need);
  }
}
