import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { waitFor } from './wait';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Waits until nothing in the process holds a reference to the object. */
export async function released(what: string, object: WeakRef<object>): Promise<void> {
  await waitFor(
    `${what} to be released`,
    () => {
      collectGarbage();
      // Return no reference to the object: the waiting code would hold it.
      return Promise.resolve(object.deref() === undefined);
    },
    (isReleased) => isReleased,
  );
}
