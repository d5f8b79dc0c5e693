const { ensureBuild } = require('../../bin/build.js');

/** Some tests run the product as processes of their own, as it is built. */
module.exports = () => ensureBuild('product');
