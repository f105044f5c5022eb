// node wasi.mjs PROGRAM.wasm [ARGUMENT...]: runs a program of WASI with this process's environment, and the
// files below the present directory.
import {readFile} from 'node:fs/promises';
import {WASI} from 'node:wasi';

const wasi = new WASI({
    version: 'preview1', args: process.argv.slice(2), env: process.env, preopens: {'.': '.'}});
const module = await WebAssembly.compile(await readFile(process.argv[2]));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, wasi.getImportObject()));
