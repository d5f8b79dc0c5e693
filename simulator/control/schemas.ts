import { Ajv, type ErrorObject } from 'ajv';

declare const accepted: unique symbol;

/** A JSON schema with the type of what it accepts. `description` ends the message "must be …". */
export interface Schema<T> {
  readonly description?: string;
  readonly [keyword: string]: unknown;
  readonly [accepted]?: T;
}

export const anything: Schema<unknown> = {};
export const string: Schema<string> = { type: 'string', description: 'a string' };
export const filledString: Schema<string> = { ...string, minLength: 1 };
export const optionalText: Schema<string | null> = {
  ...string,
  nullable: true,
  description: 'a string or null',
};
export const digits: Schema<string> = { ...string, pattern: '^\\d{1,15}$', description: 'a whole number' };
export const boolean: Schema<boolean> = { type: 'boolean', description: 'true or false' };
export const number: Schema<number> = { type: 'number', description: 'a number' };

export function integer(minimum: number, maximum = Number.MAX_SAFE_INTEGER): Schema<number> {
  return { type: 'integer', minimum, maximum, description: `an integer from ${minimum} to ${maximum}` };
}

export function oneOf<const T extends string>(values: readonly T[]): Schema<T> {
  return { enum: values, description: `one of ${values.join(', ')}` };
}

export function arrayOf<T>(items: Schema<T>): Schema<T[]> {
  return { type: 'array', items, description: 'an array' };
}

/** With `anyOf`, ajv also reports the whole value and not only the wrong item in it. */
const whole = (schema: object, description: string) => ({ anyOf: [schema], description });
export const strings: Schema<string[]> = whole(
  { type: 'array', items: { type: 'string' } },
  'an array of strings',
);
export const recordOfStrings: Schema<Record<string, string>> = whole(
  { type: 'object', additionalProperties: { type: 'string' } },
  'an object of strings',
);
export const recordOfBooleans: Schema<Record<string, boolean>> = whole(
  { type: 'object', additionalProperties: { type: 'boolean' } },
  'an object of booleans',
);

const jsonObject = { type: 'object', description: 'a JSON object' };
export const anyObject: Schema<object> = jsonObject;

/** An object without other fields. */
export function object<T extends object, Required extends keyof T & string = never>(
  properties: { readonly [Name in keyof T]: Schema<T[Name]> },
  required: readonly Required[] = [],
): Schema<Partial<T> & Pick<T, Required>> {
  return { ...jsonObject, properties, required, additionalProperties: false };
}

/** `schema` for an object with the field, `otherwise` for all others. */
export function ifGiven<T, U>(field: string, schema: Schema<T>, otherwise: Schema<U>): Schema<T | U> {
  return { ...jsonObject, if: { required: [field] }, then: schema, else: otherwise };
}

const ajv = new Ajv({ verbose: true });

function complaint({ instancePath, keyword, params, parentSchema }: ErrorObject, fieldNoun: string) {
  const path = instancePath
    .slice(1)
    .replace(/\/(\d+)/g, '[$1]')
    .replaceAll('/', '.');
  const inner = (name: unknown) => [path, name].filter(Boolean).join('.');
  if (keyword === 'required') return `${inner(params.missingProperty)}: is required`;
  if (keyword === 'minLength') return `${path}: is required`;
  if (keyword === 'additionalProperties') {
    return `${inner(params.additionalProperty)}: is not a ${fieldNoun} of this request`;
  }
  const { description } = parentSchema as Schema<unknown>;
  return description && `${path || 'body'}: must be ${description}`;
}

/** A validator for Fastify. Its error names the first wrong field and says what it must be. */
export function validator(schema: object, httpPart = 'body') {
  const accepts = ajv.compile(schema);
  const fieldNoun = httpPart === 'body' ? 'field' : 'parameter';
  return (value: unknown) => {
    if (accepts(value)) return { value };
    const complaints = (accepts.errors ?? []).map((error) => complaint(error, fieldNoun));
    return { error: new RangeError(complaints.find(Boolean)) };
  };
}
