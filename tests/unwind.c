/* `_dl_find_object` of glibc, with which gcc's unwinder finds the unwinding tables of a program. musl has only
 * `dl_iterate_phdr`. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stddef.h>

struct search {
  ElfW(Addr) address;
  struct dl_find_object *found;
};

static int look(struct dl_phdr_info *object, size_t size, void *data) {
  (void)size;
  struct search *search = data;
  const ElfW(Phdr) *code = NULL, *tables = NULL;
  for (const ElfW(Phdr) *part = object->dlpi_phdr; part < object->dlpi_phdr + object->dlpi_phnum; part++) {
    ElfW(Addr) start = object->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_LOAD && search->address >= start && search->address - start < part->p_memsz)
      code = part;
    if (part->p_type == PT_GNU_EH_FRAME)
      tables = part;
  }
  if (!code || !tables)
    return 0;
  char *base = (char *)object->dlpi_addr;
  *search->found = (struct dl_find_object){
    .dlfo_map_start = base + code->p_vaddr,
    .dlfo_map_end = base + code->p_vaddr + code->p_memsz,
    .dlfo_eh_frame = base + tables->p_vaddr,
  };
  return 1;
}

int _dl_find_object(void *address, struct dl_find_object *found) {
  struct search search = {(ElfW(Addr))address, found};
  return dl_iterate_phdr(look, &search) ? 0 : -1;
}
