const { availableParallelism } = require('node:os');

// NestJS 12 and some of its dependencies are only ES modules. Jest has to compile them to CommonJS.
const esModules = [
  '@nestjs',
  'file-type',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer',
  '@borewit',
  '@fastify',
  'light-my-request',
  'cookie',
  'content-disposition',
  'uuid',
].join('|');

module.exports = {
  testEnvironment: 'node',
  globalSetup: '<rootDir>/test/support/build.js',
  testMatch: ['<rootDir>/{src,simulator,test}/**/*.spec.ts'],
  transform: {
    '^.+\\.(ts|js|mjs)$': ['@swc/jest', { ...require('./jest.swc.js') }],
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`],
  testTimeout: 30_000,
  // Tests spend much time waiting for servers, so more workers than cores can run.
  maxWorkers: availableParallelism() * 2,
};
