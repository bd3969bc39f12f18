/** Feeds a corpus to a fuzz target: fuzzing's finds and seeds as an ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

enum {
    PATH_SIZE = 4096,
    INPUT_MAX = 1 << 24
};

static void die(const char *what, const char *path)
{
    (void)fprintf(stderr, "replay: %s: %s\n", what, path);
    exit(EXIT_FAILURE);
}

static void feed_file(const char *path, size_t size)
{
    if (size > INPUT_MAX) {
        die("larger than any corpus file should be", path);
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        die("cannot open", path);
    }
    // A block of exactly this size lets the address sanitizer see an overread of one byte.
    uint8_t *input = malloc(size);
    if (input == NULL && size > 0) {
        die("out of memory", path);
    }
    if (size > 0 && fread(input, 1, size, file) != size) {
        die("cannot read", path);
    }
    (void)fclose(file);
    (void)LLVMFuzzerTestOneInput(input, size);
    free(input);
}

static unsigned feed_folder(const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    if (count < 0) {
        die("cannot list", folder);
    }
    unsigned fed = 0;
    for (int i = 0; i < count; i++) {
        char path[PATH_SIZE];
        struct stat info;
        int length = snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (length < 0 || length >= PATH_SIZE || stat(path, &info) != 0) {
            die("cannot read", path);
        }
        if (S_ISREG(info.st_mode)) {
            feed_file(path, (size_t)info.st_size);
            fed++;
        }
        free(entries[i]);
    }
    free(entries);
    return fed;
}

int main(int argc, char **argv)
{
    unsigned fed = 0;
    for (int i = 1; i < argc; i++) {
        fed += feed_folder(argv[i]);
    }
    if (fed == 0) {
        die("an empty corpus proves nothing", argc > 1 ? argv[1] : "no folder given");
    }
    (void)printf("replay: %u inputs\n", fed);
    return EXIT_SUCCESS;
}
