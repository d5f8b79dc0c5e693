import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PROBLEM_MEDIA_TYPE } from './admin-api/api-problems';
import { problemDetails } from './admin-api/problem-response';
import { BARE_SECURITY_HEADERS } from './http/security-headers';
import type { AnswerOf } from './http/unparsed-requests';
import { scimRouteOf } from './scim/authentication/scim-route';
import { mediaTypeFor } from './scim/http/exchange';
import { asScimError, scimErrorResponse } from './scim/http/scim-error-response';
import { ClientGoneError } from './event-loop/slice';
import { TooManyRequestsError } from './security/too-many-requests';

const SCIM_ADDRESS = /^\/+scim(\/|\?|$)/i;
/** The status that nginx logs in this case; no standard defines one. */
const CLIENT_CLOSED_REQUEST = 499;

/** Answers every error, also an error of the framework, in the format of the API that was called. */
@Catch()
export class HttpErrorFilter implements ExceptionFilter {
  private readonly logger = new Logger(HttpErrorFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    if (error instanceof ClientGoneError) {
      // The client is gone. Hooks that count open requests still need the end of this one.
      void http.getResponse<FastifyReply>().status(CLIENT_CLOSED_REQUEST).send();
      return;
    }
    const status = answerError(error, request, http.getResponse<FastifyReply>());
    if (status >= 500) this.logger.error(error, `Request ${request.id} failed`);
  }
}

/** @returns the status of the response */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): number {
  // With a route, the route decides. Without one, the address decides.
  const isScim = scimRouteOf(request) !== null || SCIM_ADDRESS.test(request.url);
  const answer = isScim
    ? { ...scimErrorResponse(error, request), mediaType: mediaTypeFor(request.headers.accept) }
    : problemAnswer(error, request.id);
  void reply
    .status(answer.status)
    .headers(answer.headers)
    .header('Content-Type', answer.mediaType)
    .send(JSON.stringify(answer.body));
  return answer.status;
}

/**
 * The same for input that Node.js could not parse. An unknown address counts as SCIM, where addresses may be long.
 */
export const answerUnparsed: AnswerOf = (error, address, requestId) => {
  const isScim = address === null || SCIM_ADDRESS.test(address);
  const body = isScim ? asScimError(error, 'GET').toBody() : problemDetails(error, requestId);
  return {
    headers: {
      ...BARE_SECURITY_HEADERS,
      'X-Request-Id': requestId,
      'Content-Type': isScim ? mediaTypeFor(undefined) : PROBLEM_MEDIA_TYPE,
    },
    text: JSON.stringify(body),
  };
};

function problemAnswer(error: unknown, requestId: string) {
  const body = problemDetails(error, requestId);
  const headers: Record<string, string> =
    error instanceof TooManyRequestsError ? { 'Retry-After': String(error.retryAfterSeconds) } : {};
  return { status: body.status, headers, body, mediaType: PROBLEM_MEDIA_TYPE };
}
