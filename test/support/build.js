const { ensureBuild } = require('../../bin/build.js');

/** Some tests run the built product as separate processes. */
module.exports = () => ensureBuild('product');
