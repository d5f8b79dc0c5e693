export type JsonObject = Record<string, unknown>;

/** The value that a JSON merge patch makes of another one (RFC 7396 §2); neither of them is changed. */
export function mergePatch(target: object, patch: object): JsonObject {
  const merged: JsonObject = { ...target };
  for (const [name, value] of Object.entries(patch) as [string, unknown][]) {
    if (value === null) delete merged[name];
    else if (isObject(value)) merged[name] = mergePatch(isObject(merged[name]) ? merged[name] : {}, value);
    else if (value !== undefined) merged[name] = value;
  }
  return merged;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
