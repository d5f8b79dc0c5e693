import type { IncomingMessage } from 'node:http';
import { errorCodes } from 'fastify';
import type { HeldBytes } from './unfinished-bodies';

const FIRST_BYTES = 64 * 1024;

/**
 * Reads the body of a request into one buffer. A client may send it in millions of pieces, and each would be an
 * object.
 *
 * @param mostBytes a longer body is refused, by its `Content-Length` before it is read
 * @param held grows with what arrives; a `Content-Length` counts from the start
 * @throws FastifyError 413, TooManyRequestsError, or the error that ended the connection
 */
export async function readBody(
  message: IncomingMessage,
  mostBytes: number,
  held: HeldBytes,
): Promise<Buffer> {
  const announced = Number(message.headers['content-length'] ?? 0);
  if (announced > mostBytes) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
  held.growTo(announced);
  let buffer = Buffer.allocUnsafeSlow(announced);
  let length = 0;

  const take = (chunk: Buffer) => {
    const longer = length + chunk.length;
    if (longer > mostBytes) throw new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE();
    if (longer > buffer.length) {
      const size = Math.min(mostBytes, Math.max(FIRST_BYTES, buffer.length * 2, longer));
      held.growTo(size);
      const larger = Buffer.allocUnsafeSlow(size);
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
    }
    chunk.copy(buffer, length);
    length = longer;
  };

  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      message.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      if (error) reject(error);
      else resolve(buffer.subarray(0, length));
    };
    const onData = (chunk: Buffer) => {
      try {
        take(chunk);
      } catch (error) {
        end(error as Error);
      }
    };
    const onEnd = () => end();
    const onError = (error: Error) => end(Object.assign(error, { statusCode: 400 }));
    const onClose = () => onError(new Error('The connection ended before the request was complete.'));
    // No event follows any more.
    if (message.destroyed) return onClose();
    message.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    message.resume();
  });
}
