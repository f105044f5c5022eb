/* The npz format over memory, apart from files so that it can be tested with any bytes. */
#ifndef TG_IO_NPZ_H
#define TG_IO_NPZ_H

#include "file.h"

/* As tg_read_npz(), from file->bytes. */
tg_params *tg_io_parse_npz(const tg_io_file *file);

#endif
