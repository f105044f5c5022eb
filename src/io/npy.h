/* The npy format over memory, apart from files so that it can be tested with any bytes. */
#ifndef TG_IO_NPY_H
#define TG_IO_NPY_H

#include "file.h"

/* As tg_load_npy(), from file->bytes. */
tg_tensor *tg_io_parse_npy(const tg_io_file *file, int flags);
/* Header and elements, as tg_save_npy() writes them. */
void tg_io_put_npy(tg_io_writer *w, tg_tensor *t);

#endif
