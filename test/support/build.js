const { execFileSync } = require('node:child_process');

/** Some tests run the product as processes of their own, as it is built. */
module.exports = () => {
  execFileSync('npm', ['run', '--silent', 'build', '--', '--quiet'], { stdio: 'inherit' });
};
